package apisync

import (
	"context"
	"fmt"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
)

// conditions checks what a config always asks, as a request reads it: names, operators
// and values. Rights are those of a request.
func (k *checking) conditions(ctx context.Context, c *Compiled) error {
	sc, err := k.service.options.Catalog.Catalog(ctx, catalog.Actor{System: true, Origin: "sync"}, c.Catalog.Key)
	if fault.Is(err, fault.NotFound) {
		return nil // it was removed meanwhile, and the change is prepared anew
	}
	if err != nil {
		return err
	}
	reader := k.service.asker(c, catalog.Actor{System: true, Origin: "sync"}, sc)
	reader.dry = true
	for _, one := range []struct {
		path string
		raw  []byte
	}{{"filter_domain", c.FilterDomain}, {"identifier_domain", c.IdentifierDomain}} {
		d, err := ReadDomain(one.raw)
		if err != nil {
			continue // was told, or has to be evaluated
		}
		_, err = reader.domain(ctx, level{c, sc.Catalog, true}, d)
		if err := k.tell(one.path, err); err != nil {
			return err
		}
	}
	if c.RequestType != Inbound {
		return nil
	}
	for i := range c.Params {
		path := fmt.Sprintf("params[%d]", i)
		if k.failed(path) {
			continue
		}
		l := &listReader{asker: reader, config: c.only(c.Params[i]), reserved: map[string]string{}}
		if err := k.tell(path, l.read(ctx, nil)); err != nil {
			return err
		}
	}
	return nil
}

// tell notes a refusal at a path; other errors stay.
func (k *checking) tell(path string, err error) error {
	e := AsError(err)
	if e == nil {
		return err
	}
	if cause := AsError(e.cause); cause != nil {
		e = cause
	}
	k.soft(path, fault.InvalidFilter, "%s", e.Message)
	return nil
}

// only is the configuration with one parameter and without a filter.
func (c *Compiled) only(p Param) *Compiled {
	one := c.filtered(nil)
	one.Params = []Param{p}
	return one
}
