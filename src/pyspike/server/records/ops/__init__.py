"""The ops of a request by family: each takes the request's `OpContext` and an op, and answers with ops of the
reply.
"""
