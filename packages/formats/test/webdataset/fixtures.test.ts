import { describeFixtures } from "../describe-fixtures.js";

/** Made by Python's tarfile and by webdataset; see `fixtures/webdataset/make.py`. */
describeFixtures("webdataset", ".tar");
