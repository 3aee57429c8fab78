"""What it costs and what we charge: a guided tour.

A *formulation* is a recipe in versions; a *protocol* says how many sessions of it, how far apart, by which
technique. `costing` draws a course from today's stock as it will be on its days (`outlook`) and writes a
cost sheet for each session on three bases (`sheets`; `sharing` for opened vials, `covering` for several
sizes).

`price_list` keeps levels, the market's price bands, tax rules and the clinic's own prices; `stages` is the
pure way from the cost of a session to the price of a course, in eight steps that explain themselves.
`screening` compares what a patient said with what a session holds.

`quotes` puts these together into an offer and copies all of it into `quote_records`; `quote_life` issues,
accepts, lapses and revises; an accepted quote starts a *course* (`courses`), whose sessions are performed
one by one.

`chart` and `accounting` turn movements into a journal by one table; `reports` and `details` are the tables
that page, JSON and sheet all show. `proof` shows that quotes and courses keep what they promised.

Nothing here asks the time or commits, and stock is only moved by calling `inventory`.
"""
