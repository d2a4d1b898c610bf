"""The PSRO family: meta-solvers, targets and oracles that make the loop of `pokespiel.PSRO` another
algorithm, one a file. What is only another meta-solver (PRD, alpha-Rank, MGCCE, ...) is in
`solvers`.
"""
