"""The Gen 1 rules, compiled, bit-exact with Showdown."""
