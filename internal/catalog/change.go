package catalog

import (
	"encoding/json"

	"kartoteka/internal/query"
)

// ChangeRow is a change for the log that deliveries follow.
type ChangeRow struct {
	Actor  query.Record // employee; 0 for automation
	Origin string       // "api", "import", "cli"
	// Values has old and new values by field number: {"12":[old,new]}.
	Values json.RawMessage
	// Fires is what it sets off (see fires), nil for nothing.
	Fires json.RawMessage
}

// FiredChange is a change that sets something off.
type FiredChange struct {
	Seq     int64
	Catalog query.Catalog
	Record  query.Record
	Kind    MutationKind // InsertRecord, UpdateRecord or RemoveRecord
	At      int64        // Unix ms
	ChangeRow
}

// LoggedChange tells of a change that something of a record changed. Numbers are
// dense and in the order in which changes can be seen; one that is 0 is still to
// come, after all that are given.
type LoggedChange struct {
	Seq     int64
	Catalog query.Catalog // 0: the structure or the rights were changed
	Record  query.Record  // 0: all of the catalog were removed
	// Updated are the old and new values of an update, as in ChangeRow, if they were
	// asked for and are few; else nil.
	Updated []byte
}

// ToldChange is a change with what it is.
type ToldChange struct {
	LoggedChange
	Kind   MutationKind // InsertRecord, UpdateRecord or RemoveRecord
	At     int64        // Unix ms
	Values []byte       // as in ChangeRow
}
