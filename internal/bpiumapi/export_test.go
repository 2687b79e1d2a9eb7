package bpiumapi

// Patterns lists the routes of /api/v1: those that are served, and those that are
// not built yet.
func (a *API) Patterns() (served, unbuilt []string) {
	for _, r := range a.routes() {
		served = append(served, r.Pattern)
	}
	return served, later
}
