package catalog

import "context"

// Rehearse gives what Apply would, without asking subscriptions and without writing
// anything: the records of the outcomes are as the operations would leave them. Numbers
// of new records that were not reserved mean nothing. It fails as Apply does before its
// transaction.
func (s *Service) Rehearse(ctx context.Context, a Actor, ops []Op) ([]Outcome, error) {
	w, err := s.prepare(ctx, a, ops, nil)
	if err != nil {
		return nil, err
	}
	return w.planner.outcomes(len(ops)), nil
}
