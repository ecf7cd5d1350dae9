//! The layers as a table: which module may name which. A new arrow is a change to this table, seen in review.
