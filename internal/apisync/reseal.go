package apisync

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"kartoteka/internal/catalog"
)

// Resealed is what Reseal did: secrets that are sealed with the newest key now, and those
// that no key of this server opens, which stay as they are.
type Resealed struct {
	Secrets int
	Lost    []string // where they are, such as "settings secrets.mail"
}

// Reseal seals with the newest key what another one has sealed of the configuration. The
// resources keep their versions: nothing in them is different.
func (s *Service) Reseal(ctx context.Context, a catalog.Actor) (done Resealed, err error) {
	err = s.change(ctx, a, func(st *State) (change, error) {
		r := &resealing{sealer: s.options.Sealer}
		if err := r.state(st); err != nil {
			return change{}, err
		}
		done = r.Resealed
		if len(r.changed) == 0 {
			return change{}, nil
		}
		return change{"secrets.resealed", []any{"secrets", done.Secrets}, func(w Writer) error {
			for _, one := range r.changed {
				if err := w.SaveSyncResource(ctx, one); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	})
	return done, err
}

// resealing goes through a configuration.
type resealing struct {
	Resealed
	sealer  *Sealer
	changed []*Resource
}

func (r *resealing) state(st *State) error {
	settings := *st.Settings
	settings.Secrets = maps.Clone(st.Settings.Secrets)
	before := r.Secrets
	for _, name := range sortedKeys(settings.Secrets) {
		sec := settings.Secrets[name]
		r.secret(&sec, place(0, namedField(name)), "settings secrets."+name)
		settings.Secrets[name] = sec
	}
	if err := r.save(before, st.resourceOf(SettingsKind, ""), &settings); err != nil {
		return err
	}
	for _, code := range sortedKeys(st.Configs) {
		c := *st.Configs[code]
		c.Credentials = slices.Clone(c.Credentials)
		before := r.Secrets
		for i := range c.Credentials {
			cr := &c.Credentials[i]
			at, name := place(c.ID, credentialField(cr.ID)), "config "+code+" credential "+CredentialName(cr)
			r.secret(&cr.Secret, at, name)
			r.secret(&cr.Old, at, name)
		}
		if err := r.save(before, st.resourceOf(ConfigKind, code), &c); err != nil {
			return err
		}
	}
	return nil
}

// secret seals one anew where the newest key has not sealed it.
func (r *resealing) secret(sec *Secret, place, name string) {
	if sec.Sealed == "" || r.sealer.Current(sec.Sealed) {
		return
	}
	text, err := r.sealer.Open(sec.Sealed, place)
	if err != nil {
		r.Lost = append(r.Lost, name)
		return
	}
	sec.Sealed = r.sealer.Seal(text, place)
	r.Secrets++
}

// save notes a resource if any of its secrets was sealed anew.
func (r *resealing) save(before int, of *Resource, v any) (err error) {
	if r.Secrets == before {
		return nil
	}
	of.Body, err = json.Marshal(v)
	r.changed = append(r.changed, of)
	return err
}

// resealAtOnce bounds the raw requests that are sealed in one transaction.
const resealAtOnce = 100

// Reseal seals with the newest key the raw requests that another one has sealed, and
// gives their number and that of those that no key of this server opens.
func (j *Journal) Reseal(ctx context.Context) (resealed, lost int, err error) {
	if j.options.Store == nil || j.options.Sealer == nil {
		return 0, 0, nil
	}
	if err := j.Flush(ctx); err != nil {
		return 0, 0, err
	}
	after := LogID{}
	for {
		list, err := j.options.Store.RawRequests(ctx, after, resealAtOnce)
		if err != nil || len(list) == 0 {
			return resealed, lost, err
		}
		after = list[len(list)-1].ID
		list = slices.DeleteFunc(list, func(r SealedRequest) bool { return j.options.Sealer.Current(r.Raw) })
		var again []SealedRequest
		for _, r := range list {
			text, err := j.options.Sealer.Open(r.Raw, rawPlace(r.ID))
			if err != nil {
				lost++
				continue
			}
			again = append(again, SealedRequest{r.ID, j.options.Sealer.Seal(text, rawPlace(r.ID))})
		}
		if err := j.options.Store.ReplaceRaw(ctx, again); err != nil {
			return resealed, lost, err
		}
		resealed += len(again)
	}
}
