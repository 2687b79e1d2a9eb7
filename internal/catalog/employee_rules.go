package catalog

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// relayTime bounds how long an answer waits for the directory.
const relayTime = 10 * time.Second

// enqueue checks the logins as the transaction leaves them and puts the
// messages for the directory into the outbox.
func (w *writing) enqueue(ctx context.Context, tx Writer) error {
	for _, m := range w.messages {
		if m.newLogin {
			if err := w.uniqueLogin(ctx, tx, m); err != nil {
				return err
			}
		}
		if m.kept {
			// The password of one login must not become that of another.
			if same, err := w.s.hasLogin(ctx, tx, m.Employee, m.Login); err != nil || !same {
				return cmp.Or(err, ErrMoved)
			}
		}
		if m.withdrawn {
			if err := w.s.keepsAdmin(ctx, tx); err != nil {
				return err
			}
		}
		payload, err := json.Marshal(m.DirectoryMessage)
		if err != nil {
			return fmt.Errorf("encode directory message: %w", err)
		}
		if err := tx.Enqueue(ctx, directoryKind, payload); err != nil {
			return err
		}
	}
	return nil
}

// uniqueLogin fails with Duplicate if another employee has the login, in
// whatever case.
func (w *writing) uniqueLogin(ctx context.Context, tx Writer, m employeeMessage) error {
	c := w.st.Catalog(Employees)
	email := c.FieldByKey(emailKey)
	fold := text.Fold(m.Login)
	page, err := tx.Select(ctx, &Selected{
		Structure: w.st, Catalog: c, Columns: []*Field{email}, Limit: w.s.options.RecordsMax,
		Where: query.Cond{Field: email.Num, Test: query.Substring{Fold: fold}},
	})
	if err != nil {
		return fmt.Errorf("look for the login: %w", err)
	}
	for i := range page.Len() {
		if page.Record(i) != m.Employee && text.Fold(string(page.Bytes(page.Cell(i, 0)))) == fold {
			f := fault.New(fault.Duplicate, "%s: another employee has this login", email.Name)
			f.Details = []fault.Detail{fault.Field(email.Key, fault.Duplicate, "%s: another employee has this login", email.Name)}
			return f
		}
	}
	return nil
}

// relayNow carries out what the transaction put into the outbox. The change is
// committed: a failure is logged, and the messages wait for Run or the next change.
func (s *Service) relayNow(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), relayTime)
	defer cancel()
	if err := s.relay(ctx); err != nil {
		s.options.Log.ErrorContext(ctx, "carry out directory messages", "error", err)
		select {
		case s.relayAgain <- struct{}{}:
		default: // it is asked for already
		}
	}
}
