import { headers } from "./headers.js";
import type { TensorflowRelease } from "./release.js";

/**
 * TensorFlow 2.15.1 for the CPU. It is the last version before the libraries grew by 40 %, and no slower than later
 * ones. Its libraries hold no Python of any version: cp311 only says which of the wheels is meant. Needs glibc 2.17.
 */
export const CPU_RELEASE: TensorflowRelease = {
  name: "tensorflow-2.15.1",
  version: "2.15.1",
  isCuda: false,
  wheels: [
    {
      project: "tensorflow-cpu",
      version: "2.15.1",
      file: "tensorflow_cpu-2.15.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
      sha256: "54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26",
      bytes: 207_208_420,
      members: [
        { from: "tensorflow/libtensorflow_cc.so.2", to: "lib/libtensorflow_cc.so.2", bytes: 564_733_624 },
        { from: "tensorflow/libtensorflow_framework.so.2", to: "lib/libtensorflow_framework.so.2", bytes: 49_042_544 },
        ...headers([
          ["tensorflow/c/c_api.h", 83_812],
          ["tensorflow/c/c_api_macros.h", 1_673],
          ["tensorflow/c/tf_attrtype.h", 1_186],
          ["tensorflow/c/tf_buffer.h", 2_043],
          ["tensorflow/c/tf_datatype.h", 2_579],
          ["tensorflow/c/tf_status.h", 3_893],
          ["tensorflow/c/tf_tensor.h", 6_110],
          ["tensorflow/c/tf_tstring.h", 1_703],
          ["tensorflow/c/eager/c_api.h", 23_340],
          ["tensorflow/core/platform/ctstring.h", 845],
          ["tensorflow/core/platform/ctstring_internal.h", 881],
          ["tsl/platform/ctstring.h", 6_165],
          ["tsl/platform/ctstring_internal.h", 13_731],
          ["tsl/c/tsl_status.h", 3_411],
        ]),
      ],
    },
  ],
};
