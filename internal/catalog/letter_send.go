package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kartoteka/internal/mail"
)

// sendLetters sends what is in the outbox, until ctx ends.
func (s *Service) sendLetters(ctx context.Context) {
	if s.options.Letters.Send == nil {
		return
	}
	failed := 0 // rounds in a row that met no mail server
	for {
		wake := s.letters
		wait, err := s.sendDue(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, mail.ErrUnreachable):
			failed++
			wait, wake = letterDelay(failed), nil // another letter is no reason to try earlier
		case err != nil:
			s.options.Log.ErrorContext(ctx, "letters.failed", "module", "Mail", "error", err)
		default:
			failed = 0
		}
		again := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-again.C:
		case <-wake:
		}
		again.Stop()
	}
}

// sendDue sends the letters that are due and tells how long to wait for the next.
// It ends with mail.ErrUnreachable when no letter can be sent now.
func (s *Service) sendDue(ctx context.Context) (wait time.Duration, err error) {
	wait = letterPoll
	err = s.eachMessage(ctx, []string{letterKind}, func(row OutboxRow) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		var l queuedLetter
		if err := json.Unmarshal(row.Payload, &l); err != nil {
			s.options.Log.ErrorContext(ctx, "letter.unreadable", "module", "Mail", "letter", row.ID, "error", err)
			_, err := s.strikeOff(ctx, row.ID)
			return err
		}
		now := s.options.Now()
		if due := time.UnixMilli(l.Due).Sub(now); due > 0 {
			wait = min(wait, due)
			return nil
		}
		next, err := s.sendLetter(ctx, row, l, now)
		if next > 0 {
			wait = min(wait, next)
		}
		return err
	})
	return wait, err
}

// sendLetter claims a letter, sends it, and strikes it off or puts it back for
// later. It gives when to try it again, 0 for never.
func (s *Service) sendLetter(ctx context.Context, row OutboxRow, l queuedLetter, now time.Time) (next time.Duration, err error) {
	l.Due, l.Attempts = now.Add(claimTime).UnixMilli(), l.Attempts+1
	claimed, err := s.putBack(ctx, &row, l)
	if err != nil || !claimed {
		return 0, err // another node is faster
	}
	failure := s.deliver(ctx, l)
	// What became of the letter is noted even when the program ends.
	noting, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	now = s.options.Now()
	old := now.Sub(time.UnixMilli(l.Since)) >= letterLife
	switch {
	case failure == nil:
		s.options.Log.InfoContext(ctx, "letter.sent", "module", "Mail", "letter", row.ID, "code", string(l.Code))
		_, err = s.strikeOff(noting, row.ID)
		return 0, err
	case ctx.Err() != nil:
		l.Due, l.Attempts = now.UnixMilli(), l.Attempts-1
		_, err = s.putBack(noting, &row, l)
		return 0, err
	case old, errors.Is(failure, mail.ErrRefused):
		s.options.Log.ErrorContext(ctx, "letter.given_up", "module", "Mail", "letter", row.ID, "code", string(l.Code), "attempts", l.Attempts, "error", failure)
		_, err = s.strikeOff(noting, row.ID)
		return 0, err
	}
	s.options.Log.WarnContext(ctx, "letter.delayed", "module", "Mail", "letter", row.ID, "code", string(l.Code), "attempts", l.Attempts, "error", failure)
	next = letterDelay(l.Attempts)
	l.Due = now.Add(next).UnixMilli()
	if _, err = s.putBack(noting, &row, l); err == nil && errors.Is(failure, mail.ErrUnreachable) {
		err = mail.ErrUnreachable
	}
	return next, err
}

// deliver makes the letter and hands it over. When the program ends, that may
// still take a moment.
func (s *Service) deliver(ctx context.Context, l queuedLetter) error {
	made, err := s.makeLetter(ctx, l)
	if err != nil {
		return err
	}
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		drained := time.NewTimer(drainTime)
		defer drained.Stop()
		select {
		case <-drained.C:
			cancel()
		case <-sending.Done():
		}
	})
	defer stop()
	return s.options.Letters.Send(sending, made)
}

// putBack replaces a letter in the outbox, and tells whether it was still as it
// was read.
func (s *Service) putBack(ctx context.Context, row *OutboxRow, l queuedLetter) (done bool, err error) {
	payload, err := json.Marshal(l)
	if err != nil {
		return false, fmt.Errorf("encode letter: %w", err)
	}
	err = s.update(ctx, Interactive, nil, func(_ *Structure, w Writer) error {
		done, err = w.Replace(ctx, *row, payload)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("put letter %d back: %w", row.ID, err)
	}
	row.Payload = payload
	return done, nil
}
