package bpiumapi

import (
	"context"

	"kartoteka/internal/report/picture"
)

// Patterns lists the routes of /api/v1: those that are served, and those that are
// not built yet.
func (a *API) Patterns() (served, unbuilt []string) {
	for _, r := range a.routes() {
		served = append(served, r.Pattern)
	}
	return served, later
}

// DrawWhileBusy asks for a picture while as many are drawn as may be at once.
func (a *API) DrawWhileBusy(ctx context.Context) error {
	for range cap(a.turns) {
		a.turns <- struct{}{}
	}
	_, err := a.drawn(ctx, asSVG, &picture.Chart{}, picture.Look{})
	return err
}
