"""Excel workbooks as sheets of text cells with what the file knows about each; read apart, in a process with limits."""
