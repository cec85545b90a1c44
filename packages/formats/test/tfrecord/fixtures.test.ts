import { describeFixtures } from "../describe-fixtures.js";

/** Made by TensorFlow; see `fixtures/tfrecord/make.py`. */
describeFixtures("tfrecord", ".tfrecord");
