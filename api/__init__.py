"""How people reach it: the HTTP interface, the command line, and all that knows the clock.

`app` puts a request together, `auth` says who may call what, `errors` turns refusals into problems,
`schemas` are the shapes that travel, and `rest` has the calls by noun.
"""
