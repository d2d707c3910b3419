"""The tests of fastgrad; a package, so that tests share their oracles."""
