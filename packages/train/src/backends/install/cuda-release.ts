import { headers } from "./headers.js";
import type { PinnedWheel, TensorflowRelease } from "./release.js";

/**
 * TensorFlow 2.21.0 with CUDA 12.9 and cuDNN 9, as its extra `and-cuda` names them (`>= 12.5, < 13`, `>= 9.3, < 10`).
 * The folders of the wheels are kept, `nvidia/` beside `lib/` in the place of `tensorflow/`: so every library finds the
 * others by its own RUNPATH (`$ORIGIN/../nvidia/cudnn/lib`), and no environment variable is needed. Needs glibc 2.27.
 */
export const CUDA_RELEASE: TensorflowRelease = {
  name: "tensorflow-2.21.0-cuda12",
  version: "2.21.0",
  isCuda: true,
  wheels: [
    {
      project: "tensorflow",
      version: "2.21.0",
      file: "tensorflow-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl",
      sha256: "9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124",
      bytes: 572_440_367,
      members: [
        { from: "tensorflow/libtensorflow_cc.so.2", to: "lib/libtensorflow_cc.so.2", bytes: 1_096_372_272 },
        { from: "tensorflow/libtensorflow_framework.so.2", to: "lib/libtensorflow_framework.so.2", bytes: 162_648_808 },
        ...headers([
          ["tensorflow/c/c_api.h", 84_261],
          ["tensorflow/c/c_api_macros.h", 1_673],
          ["tensorflow/c/tf_attrtype.h", 1_186],
          ["tensorflow/c/tf_buffer.h", 2_043],
          ["tensorflow/c/tf_datatype.h", 2_914],
          ["tensorflow/c/tf_status.h", 3_987],
          ["tensorflow/c/tf_tensor.h", 6_422],
          ["tensorflow/c/tf_tstring.h", 1_703],
          ["tensorflow/c/eager/c_api.h", 23_340],
          ["tensorflow/core/platform/ctstring.h", 845],
          ["tensorflow/core/platform/ctstring_internal.h", 881],
          ["tsl/platform/ctstring.h", 6_521],
          ["tsl/platform/ctstring_internal.h", 15_499],
          ["xla/tsl/c/tsl_status.h", 3_390],
        ]),
      ],
    },
    nvidia("cublas", "12.9.3.13", "py3-none-manylinux_2_27_x86_64", {
      sha256: "d7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72",
      bytes: 581_217_458,
      members: { "lib/libcublas.so.12": 105_140_976, "lib/libcublasLt.so.12": 749_169_616 },
    }),
    nvidia("cuda_cupti", "12.8.90", "py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64", {
      sha256: "ea0cb07ebda26bb9b29ba82cda34849e73c166c18162d3913575b0c9db9a6182",
      bytes: 10_248_621,
      members: {
        "lib/libcupti.so.12": 7_595_792,
        "lib/libnvperf_host.so": 25_825_936,
        "lib/libnvperf_target.so": 5_275_312,
      },
    }),
    nvidia("cuda_nvcc", "12.9.86", "py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64", {
      sha256: "5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0",
      bytes: 40_546_229,
      members: { "bin/ptxas": 34_931_056, "nvvm/libdevice/libdevice.10.bc": 486_168 },
    }),
    nvidia("cuda_nvrtc", "12.9.86", "py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64", {
      sha256: "210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4",
      bytes: 89_568_129,
      members: { "lib/libnvrtc-builtins.so.12.9": 7_202_760, "lib/libnvrtc.so.12": 106_244_480 },
    }),
    nvidia("cuda_runtime", "12.9.79", "py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64", {
      sha256: "25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3",
      bytes: 3_493_179,
      members: { "lib/libcudart.so.12": 741_088 },
    }),
    nvidia("cudnn", "9.28.0.42", "py3-none-manylinux_2_27_x86_64", {
      sha256: "9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375",
      bytes: 716_538_495,
      members: {
        "lib/libcudnn.so.9": 137_432,
        "lib/libcudnn_adv.so.9": 232_904_280,
        "lib/libcudnn_cnn.so.9": 4_203_992,
        "lib/libcudnn_engines_precompiled.so.9": 559_964_512,
        "lib/libcudnn_engines_runtime_compiled.so.9": 48_269_792,
        "lib/libcudnn_engines_tensor_ir.so.9": 2_099_128,
        "lib/libcudnn_ext.so.9": 10_492_448,
        "lib/libcudnn_graph.so.9": 115_563_344,
        "lib/libcudnn_heuristic.so.9": 96_473_944,
        "lib/libcudnn_ops.so.9": 92_284_600,
      },
    }),
    nvidia("cufft", "11.4.1.4", "py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64", {
      sha256: "c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28",
      bytes: 200_877_592,
      members: { "lib/libcufft.so.11": 291_507_928 },
    }),
    nvidia("curand", "10.3.10.19", "py3-none-manylinux_2_27_x86_64", {
      sha256: "49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e",
      bytes: 68_295_626,
      members: { "lib/libcurand.so.10": 166_965_432 },
    }),
    nvidia("cusolver", "11.7.5.82", "py3-none-manylinux_2_27_x86_64", {
      sha256: "15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88",
      bytes: 338_117_415,
      members: { "lib/libcusolver.so.11": 302_024_152 },
    }),
    nvidia("cusparse", "12.5.10.65", "py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64", {
      sha256: "73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78",
      bytes: 366_465_088,
      members: { "lib/libcusparse.so.12": 486_556_368 },
    }),
    nvidia("nccl", "2.32.3", "py3-none-manylinux_2_27_x86_64", {
      sha256: "bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c",
      bytes: 351_526_311,
      members: { "lib/libnccl.so.2": 473_614_536 },
    }),
    nvidia("nvjitlink", "12.9.86", "py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64", {
      sha256: "e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9",
      bytes: 39_748_338,
      members: { "lib/libnvJitLink.so.12": 95_935_344 },
    }),
  ],
};

interface NvidiaPins {
  readonly sha256: string;
  readonly bytes: number;
  /** Sizes by path below `nvidia/<name>/`. */
  readonly members: Readonly<Record<string, number>>;
}

/** The wheel `nvidia-<name>-cu12`. */
function nvidia(name: string, version: string, tag: string, { sha256, bytes, members }: NvidiaPins): PinnedWheel {
  const folder = `nvidia/${name}`;
  return {
    project: `nvidia-${name.replaceAll("_", "-")}-cu12`,
    version,
    file: `nvidia_${name}_cu12-${version}-${tag}.whl`,
    sha256,
    bytes,
    members: Object.entries(members).map(([path, size]) => {
      const at = `${folder}/${path}`;
      return { from: at, to: at, bytes: size, isExecutable: path.startsWith("bin/") };
    }),
  };
}
