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

// outboxPage is how many messages are read at a time.
const outboxPage = 200

// relay carries out what the outbox has for the directory and for accounts,
// oldest first, and settles each. A message that fails stays, and so do later
// ones about the same employee: none may overtake it. It gives the first failure.
// Messages may be carried out twice after a crash, and are settled once.
func (s *Service) relay(ctx context.Context) error {
	s.relaying.Lock()
	defer s.relaying.Unlock()
	var failure error
	held := map[query.Record]bool{}
	some := false
	err := s.eachMessage(ctx, []string{directoryKind, accountKind}, func(row OutboxRow) error {
		about, carry, err := s.parseMessage(row)
		if err == nil && held[about] {
			return nil
		}
		if err == nil {
			err = carry(ctx)
		}
		if err != nil {
			held[about] = true
			failure = cmp.Or(failure, fmt.Errorf("carry out message %d of the outbox: %w", row.ID, err))
			return nil
		}
		some = true
		return nil
	})
	if some {
		err = cmp.Or(err, s.FollowServer(ctx))
	}
	return cmp.Or(failure, err)
}

// parseMessage tells what a message is about and how it is carried out and
// settled.
func (s *Service) parseMessage(row OutboxRow) (about query.Record, carry func(context.Context) error, err error) {
	switch row.Kind {
	case directoryKind:
		var m DirectoryMessage
		err = json.Unmarshal(row.Payload, &m)
		return m.Employee, func(ctx context.Context) error {
			standing, err := s.options.Directory.Apply(ctx, m)
			if err != nil {
				return err
			}
			return s.settle(ctx, row.ID, m, standing)
		}, err
	case accountKind:
		var m AccountMessage
		err = json.Unmarshal(row.Payload, &m)
		return m.about(), func(ctx context.Context) error {
			if err := s.carryOut(ctx, m); err != nil {
				return err
			}
			_, err := s.strikeOff(ctx, row.ID)
			return err
		}, err
	}
	return 0, nil, fmt.Errorf("unknown kind %q", row.Kind)
}

// eachMessage calls each with the outbox messages of some kinds, oldest first,
// until it fails.
func (s *Service) eachMessage(ctx context.Context, kinds []string, each func(OutboxRow) error) error {
	for after := int64(0); ; {
		var rows []OutboxRow
		err := s.update(ctx, Interactive, nil, func(_ *Structure, w Writer) (err error) {
			rows, err = w.Outbox(ctx, kinds, after, outboxPage)
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
