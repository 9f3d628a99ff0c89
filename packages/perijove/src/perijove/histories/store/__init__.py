"""What the history server keeps: rows (`models`), files (`files`), and how rows are addressed (`ids`)."""
