"""The ops of a request by family: each takes bins and an op, and answers with reply ops."""
