package catalog

import (
	"context"
	"encoding/json"
	"fmt"
)

// directoryKind marks the outbox messages that are for the Directory.
const directoryKind = "directory"

// relay carries out the messages of the outbox, oldest first, and strikes them
// off. It stops at the first that fails, so that a later message about the same
// employee cannot overtake it. Messages may be carried out twice after a crash.
func (s *Service) relay(ctx context.Context) error {
	s.relaying.Lock()
	defer s.relaying.Unlock()
	waiting, err := s.outbox(ctx)
	if err != nil {
		return err
	}
	var done []int64
	for _, m := range waiting {
		if err = s.deliver(ctx, m); err != nil {
			break
		}
		done = append(done, m.ID)
	}
	if err2 := s.strikeOff(ctx, done); err == nil {
		err = err2
	}
	return err
}

func (s *Service) outbox(ctx context.Context) (rows []OutboxRow, err error) {
	err = s.update(ctx, Interactive, nil, func(_ *Structure, w Writer) error {
		rows, err = w.Outbox(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	return rows, nil
}

func (s *Service) deliver(ctx context.Context, row OutboxRow) error {
	if row.Kind != directoryKind {
		return fmt.Errorf("outbox message %d is of the unknown kind %q", row.ID, row.Kind)
	}
	var m DirectoryMessage
	if err := json.Unmarshal(row.Payload, &m); err != nil {
		return fmt.Errorf("outbox message %d: %w", row.ID, err)
	}
	if err := s.options.Directory.Apply(ctx, m); err != nil {
		return fmt.Errorf("apply outbox message %d: %w", row.ID, err)
	}
	return nil
}

func (s *Service) strikeOff(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	err := s.update(ctx, Interactive, nil, func(_ *Structure, w Writer) error {
		for _, id := range ids {
			if err := w.Done(ctx, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("strike off outbox messages: %w", err)
	}
	return nil
}
