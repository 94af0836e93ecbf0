"""Records in columns, as Arrow has them.

    schema       the schema that Python types, or another library's object, describe
    json_values  bin values as JSON, and back
    stream       the batches of a query, and the tables of other libraries that are made of them
    reading      what `query_arrow` and `batch_get_arrow` of both clients do
    writing      what `write_arrow` does

The columns themselves are filled in the compiled layer (`src/wire/columns`).
"""
