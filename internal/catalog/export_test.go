package catalog

// OlderMirrors makes new companies as versions did whose mirrors had nothing but
// names, until restore is called.
func OlderMirrors() (restore func()) {
	now := systemCatalogs
	older := make([]systemCatalog, len(now))
	for i, c := range now {
		if c.mirror {
			c.fields = c.fields[:1]
		}
		older[i] = c
	}
	systemCatalogs = older
	return func() { systemCatalogs = now }
}
