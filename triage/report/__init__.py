"""Reports: documents of words, tables and charts, made from records, and the forms they take."""
