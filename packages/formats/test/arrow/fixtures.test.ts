import { describeFixtures } from "../describe-fixtures.js";

/** Made by pyarrow; see `fixtures/arrow/make.py`. */
describeFixtures("arrow", ".arrow");
