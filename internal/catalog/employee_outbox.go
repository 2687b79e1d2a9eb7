package catalog

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"kartoteka/internal/account"
	"kartoteka/internal/query"
)

// directoryKind marks the outbox messages that are for the Directory.
const directoryKind = "directory"

// outboxPage is how many messages are read at a time.
const outboxPage = 200

// relay carries out the directory's messages in the outbox, oldest first, and
// settles each. A message that fails stays, and so do later ones about the same
// employee: none may overtake it. It gives the first failure. Messages may be
// carried out twice after a crash, and are settled once.
func (s *Service) relay(ctx context.Context) error {
	s.relaying.Lock()
	defer s.relaying.Unlock()
	var failure error
	held := map[query.Record]bool{}
	err := s.eachMessage(ctx, directoryKind, func(row OutboxRow) error {
		var m DirectoryMessage
		err := json.Unmarshal(row.Payload, &m)
		if err == nil && held[m.Employee] {
			return nil
		}
		var standing account.Standing
		if err == nil {
			standing, err = s.options.Directory.Apply(ctx, m)
		}
		if err == nil {
			err = s.settle(ctx, row.ID, m, standing)
		}
		if err != nil {
			held[m.Employee] = true
			failure = cmp.Or(failure, fmt.Errorf("carry out message %d of the outbox: %w", row.ID, err))
		}
		return nil
	})
	return cmp.Or(failure, err)
}

// eachMessage calls each with the outbox messages of a kind, oldest first, until
// it fails.
func (s *Service) eachMessage(ctx context.Context, kind string, each func(OutboxRow) error) error {
	for after := int64(0); ; {
		var rows []OutboxRow
		err := s.update(ctx, Interactive, nil, func(_ *Structure, w Writer) (err error) {
			rows, err = w.Outbox(ctx, kind, after, outboxPage)
			return err
		})
		if err != nil {
			return fmt.Errorf("read outbox: %w", err)
		}
		for _, row := range rows {
			after = row.ID
			if err := each(row); err != nil {
				return err
			}
		}
		if len(rows) < outboxPage {
			return nil
		}
	}
}

// strikeOff takes a message out of the outbox; false when somebody else did.
func (s *Service) strikeOff(ctx context.Context, id int64) (done bool, err error) {
	err = s.update(ctx, Interactive, nil, func(_ *Structure, w Writer) error {
		done, err = w.Done(ctx, id)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("strike off an outbox message: %w", err)
	}
	return done, nil
}
