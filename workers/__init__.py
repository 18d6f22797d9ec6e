"""Acts: carries out what the rules decided, keeps copies of tasks current at their destinations."""
