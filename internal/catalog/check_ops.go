package catalog

import "context"

// Check tells whether Apply would take the operations, without asking subscriptions
// and without writing anything. It fails as Apply does before its transaction.
func (s *Service) Check(ctx context.Context, a Actor, ops []Op) error {
	_, err := s.prepare(ctx, a, ops, nil)
	return err
}
