/* What libjpeg-turbo takes for the work of transcodeSeekable: the coefficients of a JPEG read and written again with
 * restart markers, in memory, on one thread. Compile: cc -O2 transcode.c -ljpeg. Usage: transcode ROUNDS LIST, with the
 * paths of the files one a line. Prints one JSON line: CPU ms per image, the best round, and bytes out per byte in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <jpeglib.h>

typedef struct { unsigned char *bytes; unsigned long length; } file_t;

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* The same segments as frame.ts chooses. */
static int restart_interval(j_decompress_ptr in) {
  int h = in->num_components == 1 ? 1 : in->max_h_samp_factor, v = in->num_components == 1 ? 1 : in->max_v_samp_factor;
  int mcus = (in->image_width + 8 * h - 1) / (8 * h), wanted = h * v == 1 ? 8 : 4, best = 1;
  for (int d = 2; d <= mcus; d++)
    if (mcus % d == 0 && abs(d - wanted) <= abs(best - wanted)) best = d;
  return best;
}

static unsigned long transcode(file_t *file, int optimise, unsigned char **out, unsigned long *room) {
  struct jpeg_decompress_struct in;
  struct jpeg_compress_struct to;
  struct jpeg_error_mgr errors;
  unsigned long length = *room;
  in.err = to.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&in);
  jpeg_create_compress(&to);
  jpeg_mem_src(&in, file->bytes, file->length);
  jpeg_read_header(&in, TRUE);
  jvirt_barray_ptr *coefficients = jpeg_read_coefficients(&in);
  jpeg_copy_critical_parameters(&in, &to);
  to.optimize_coding = optimise;
  to.restart_interval = restart_interval(&in);
  jpeg_mem_dest(&to, out, &length);
  jpeg_write_coefficients(&to, coefficients);
  jpeg_finish_compress(&to);
  jpeg_destroy_compress(&to);
  jpeg_finish_decompress(&in);
  jpeg_destroy_decompress(&in);
  return length;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  int rounds = atoi(argv[1]), count = 0;
  file_t *files = NULL;
  char path[4096];
  FILE *list = fopen(argv[2], "r");
  if (list == NULL) return 1;
  while (fgets(path, sizeof path, list) != NULL) {
    path[strcspn(path, "\n")] = 0;
    FILE *f = fopen(path, "rb");
    if (f == NULL) return 1;
    fseek(f, 0, SEEK_END);
    files = realloc(files, (count + 1) * sizeof *files);
    files[count].length = ftell(f);
    files[count].bytes = malloc(files[count].length);
    rewind(f);
    if (fread(files[count].bytes, 1, files[count].length, f) != files[count].length) return 1;
    fclose(f);
    count++;
  }
  fclose(list);
  unsigned long room = 1 << 26;
  unsigned char *out = malloc(room);
  const char *names[] = {"source", "optimised"};
  printf("{");
  for (int optimise = 0; optimise < 2; optimise++) {
    double best = 1e30, in_bytes = 0, out_bytes = 0;
    for (int round = 0; round < rounds; round++) {
      double start = now_ms();
      in_bytes = out_bytes = 0;
      for (int i = 0; i < count; i++) {
        in_bytes += files[i].length;
        out_bytes += transcode(&files[i], optimise, &out, &room);
      }
      double ms = (now_ms() - start) / count;
      if (ms < best) best = ms;
    }
    printf("%s\"%s\": {\"cpuMs\": %.4f, \"sizeRatio\": %.4f}", optimise ? ", " : "", names[optimise], best, out_bytes / in_bytes);
  }
  printf("}\n");
  return 0;
}
