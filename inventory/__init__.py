"""What we have: a guided tour.

`clinic` opens sites; each has *places*, and a place is an account of stock: the shelf, the opened vials,
the quarantine are the clinic's own, while supplier, patient, waste and count lie beyond its border.
`catalog` names the *items* that can be bought, and their dose class says what may become of an opened one.
A site has several shelves, its fridges and cupboards: `places` says what may be kept in each. `moving` goes
from one to another, `transfers` to another site, and `on_the_way` knows what has not arrived there yet.

`receiving` turns a delivery into a *lot* on the shelf and a *cost layer* of whole cents. From then on stock
only moves: `ledger` appends *movements* from place to place under a document, and `balances` follow in the
same transaction, never below zero. `picking` is the rule of choosing (first expired, first out) and touches
no database; `shelf` reads what it chooses from; `layers` says which cost leaves with it.

`treatments` performs a session, whole or not at all, through `drawing`; `vials` knows until when an opened
vial may be used, and `rooms` makes one that enters a treatment room one patient's; `wastage` throws away
with a reason, `holds` keeps lots back and traces them, `corrections` undo by pointing back, and `periods`
close the months behind us.

`stocktake` begins a count of a place or of what `rota` says is due; `counting` writes down what is found,
`count_book` knows what the book had at that instant, `differences` prices the gap, `count_posting` posts it.

`stock`, `lot_list` and `history` answer questions; `usage` and `reordering` look ahead; `proof` shows that
all that is kept beside the facts agrees with them. `scanning` reads labels.

Nothing here knows of prices, people's rights or the web, asks the time, or commits.
"""
