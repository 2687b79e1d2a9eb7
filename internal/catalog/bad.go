package catalog

import "kartoteka/internal/fault"

// Bad stands for a value that a foreign API could not read: Apply reports its
// detail together with every other field's failure.
type Bad struct{ Detail fault.Detail }

func (Bad) value() {}
