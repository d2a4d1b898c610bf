"""SyntheticRLV2 and its kin: metamon's pretrained agents as Gen 1 OU policies."""
