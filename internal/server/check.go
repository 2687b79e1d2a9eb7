package server

import (
	"context"
	"fmt"

	"kartoteka/internal/blob"
	"kartoteka/internal/catalog"
	"kartoteka/internal/store"
)

func (a *App) check(ctx context.Context) ([]string, error) {
	return checkAll(ctx, a.control, a.company, a.contents)
}

func checkAll(ctx context.Context, control *store.Control, one *store.Company, contents blob.Store) (texts []string, err error) {
	problems, err := control.Check(ctx)
	if err != nil {
		return nil, err
	}
	more, err := one.Check(ctx)
	if err != nil {
		return nil, fmt.Errorf("check the company's data: %w", err)
	}
	for _, p := range append(problems, more...) {
		texts = append(texts, p.String())
	}
	missing, err := catalog.CheckFiles(ctx, one, contents)
	return append(texts, missing...), err
}

func (a *App) repair(ctx context.Context) (texts []string, err error) {
	done, err := a.company.Repair(ctx)
	if err != nil {
		err = fmt.Errorf("repair the company's data: %w", err)
	}
	for _, r := range done {
		texts = append(texts, r.String())
	}
	return texts, err
}
