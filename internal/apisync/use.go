package apisync

import (
	"context"
	"sync"
	"time"

	"kartoteka/internal/catalog"
)

// Use is when a credential was used last.
type Use struct {
	Config, Credential int64 // ids
	At                 int64 // Unix ms
}

// uses are the last uses that are not stored yet.
type uses struct {
	mutex sync.Mutex
	last  map[credentialKey]int64
}

type credentialKey struct{ config, credential int64 }

// Used notes that a credential has let a request in. What is noted is stored by KeepUses.
func (s *Service) Used(c *Compiled, cr *Credential) {
	at := s.options.Now().UnixMilli()
	s.uses.mutex.Lock()
	defer s.uses.mutex.Unlock()
	if s.uses.last == nil {
		s.uses.last = map[credentialKey]int64{}
	}
	key := credentialKey{c.ID, cr.ID}
	s.uses.last[key] = max(at, s.uses.last[key])
}

// KeepUses stores the uses since it was called last.
func (s *Service) KeepUses(ctx context.Context) error {
	s.uses.mutex.Lock()
	noted := s.uses.last
	s.uses.last = nil
	s.uses.mutex.Unlock()
	if len(noted) == 0 {
		return nil
	}
	list := make([]Use, 0, len(noted))
	for key, at := range noted {
		list = append(list, Use{key.config, key.credential, at})
	}
	err := s.update(ctx, catalog.Plan{Class: catalog.Job, Volatile: true}, func(w Writer) error { return w.KeepSyncUses(ctx, list) })
	if err != nil {
		s.again(noted)
	}
	return err
}

// again notes uses anew that could not be stored.
func (s *Service) again(noted map[credentialKey]int64) {
	s.uses.mutex.Lock()
	defer s.uses.mutex.Unlock()
	for key, at := range s.uses.last {
		noted[key] = at
	}
	s.uses.last = noted
}

// lastUses are the last uses of all credentials, as far as this process knows.
func (s *Service) lastUses(ctx context.Context) (map[credentialKey]int64, error) {
	list, err := s.options.Store.SyncUses(ctx)
	if err != nil {
		return nil, err
	}
	last := make(map[credentialKey]int64, len(list))
	for _, u := range list {
		last[credentialKey{u.Config, u.Credential}] = u.At
	}
	s.uses.mutex.Lock()
	defer s.uses.mutex.Unlock()
	for key, at := range s.uses.last {
		last[key] = max(at, last[key])
	}
	return last, nil
}

// usedAt tells of the credentials of a config that is shown when they were used last.
func (c *Config) usedAt(last map[credentialKey]int64) {
	for i := range c.Credentials {
		if at, ok := last[credentialKey{c.ID, c.Credentials[i].ID}]; ok {
			t := time.UnixMilli(at).UTC()
			c.Credentials[i].LastUsedAt = &t
		}
	}
}
