"""Makes photographs of every kind that Pillow can write, or compares pairs of them.

make FOLDER COUNT: writes 00000.jpg, ... of sizes, samplings and kinds that follow from the number alone.
compare FOLDER: decodes each N.jpg and, where it is there, N.seekable.jpg; prints how many pairs are equal.
"""
import os, random, sys
from PIL import Image, ImageCms, ImageDraw


def picture(rng, width, height, mode):
    bands = [Image.linear_gradient("L").resize((width, height)).rotate(rng.randrange(360)) for _ in range(3)]
    image = Image.merge("RGB", bands)
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        box = sorted(rng.randrange(width + 1) for _ in range(2)), sorted(rng.randrange(height + 1) for _ in range(2))
        color = tuple(rng.randrange(256) for _ in range(3))
        draw.ellipse((box[0][0], box[1][0], box[0][1], box[1][1]), fill=color)
    grain = Image.frombytes("RGB", (width, height), rng.randbytes(3 * width * height))
    image = Image.blend(image, grain, rng.choice([0, 0.03, 0.1, 0.25]))
    return image.convert(mode)


def make(folder, count):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for number in range(count):
        rng = random.Random(number)
        mode = "L" if number % 10 == 3 else "CMYK" if number % 25 == 4 else "RGB"
        width, height = rng.randrange(1, 260), rng.randrange(1, 220)
        options = {"quality": rng.choice([30, 75, 90, 97, 100]), "progressive": number % 4 == 1, "optimize": number % 3 == 0}
        if mode == "RGB":
            options["subsampling"] = ["4:2:0", "4:2:2", "4:4:4"][number % 3]
            options["keep_rgb"] = number % 40 == 8
            if options["keep_rgb"]:
                options["subsampling"] = "4:4:4"
        if number % 5 == 2:
            options["restart_marker_rows"] = 1
        elif number % 5 == 3:
            options["restart_marker_blocks"] = rng.choice([1, 3, 7, 100])
        if number % 7 == 0:
            exif = Image.Exif()
            exif[0x0112] = 1
            exif[0x010F] = "x" * rng.choice([10, 40000])
            options.update(exif=exif, icc_profile=profile, comment=b"a comment")
        picture(rng, width, height, mode).save(os.path.join(folder, f"{number:05}.jpg"), **options)


def compare(folder):
    equal = 0
    for name in sorted(os.listdir(folder)):
        number, _, rest = name.partition(".")
        other = os.path.join(folder, f"{number}.seekable.jpg")
        if rest != "jpg" or not os.path.exists(other):
            continue
        a, b = Image.open(os.path.join(folder, name)), Image.open(other)
        if a.mode != b.mode or a.info.get("icc_profile") != b.info.get("icc_profile") or a.getexif() != b.getexif():
            raise SystemExit(f"{name}: other mode or metadata")
        if a.tobytes() != b.tobytes():
            raise SystemExit(f"{name}: other pixels")
        equal += 1
    print(equal)


if sys.argv[1] == "make":
    make(sys.argv[2], int(sys.argv[3]))
else:
    compare(sys.argv[2])
