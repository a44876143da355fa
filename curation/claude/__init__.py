"""Claude: requests, the ledger of their answers, message batches, prices, and a stand-in server for
machines without a key.

Knows nothing of the lake: a request is text in, an answer is a row out.
"""
