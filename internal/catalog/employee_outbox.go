package catalog

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"kartoteka/internal/query"
)

// directoryKind marks the outbox messages that are for the Directory.
const directoryKind = "directory"

// relay carries out the messages of the outbox, oldest first, and strikes them
// off. A message that fails stays, and so do later ones about the same
// employee: none may overtake it. It gives the first failure. Messages may be
// carried out twice after a crash.
func (s *Service) relay(ctx context.Context) error {
	s.relaying.Lock()
	defer s.relaying.Unlock()
	waiting, err := s.outbox(ctx)
	if err != nil {
		return err
	}
	var done []int64
	var failure error
	held := map[query.Record]bool{}
	for _, row := range waiting {
		about, carry, err := s.parseMessage(row)
		if err == nil && held[about] {
			continue
		}
		if err == nil {
			err = carry(ctx)
		}
		if err != nil {
			held[about] = true
			failure = cmp.Or(failure, fmt.Errorf("carry out message %d of the outbox: %w", row.ID, err))
			continue
		}
		done = append(done, row.ID)
	}
	if err := s.strikeOff(ctx, done); err != nil || len(done) == 0 {
		return cmp.Or(failure, err)
	}
	return cmp.Or(failure, s.FollowServer(ctx))
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

// parseMessage tells what a message is about and how it is carried out.
func (s *Service) parseMessage(row OutboxRow) (about query.Record, carry func(context.Context) error, err error) {
	switch row.Kind {
	case directoryKind:
		var m DirectoryMessage
		err = json.Unmarshal(row.Payload, &m)
		return m.Employee, func(ctx context.Context) error { return s.options.Directory.Apply(ctx, m) }, err
	case accountKind:
		var m AccountMessage
		err = json.Unmarshal(row.Payload, &m)
		return m.about(), func(ctx context.Context) error { return s.carryOut(ctx, m) }, err
	}
	return 0, nil, fmt.Errorf("unknown kind %q", row.Kind)
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
