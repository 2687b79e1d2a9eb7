package catalog

import "slices"

// subscribes tells whether employees put into the field are subscribed to the
// record's chat.
func (f *Field) subscribes() bool { return f.Config.Subscribe && f.HoldsEmployees() }

// subscriptions are those of the employees that the steps put into fields which
// subscribe them.
func (p *planner) subscriptions() (list []Subscription) {
	for _, s := range p.steps {
		if s.kind != createStep && s.kind != updateStep {
			continue
		}
		for i := range s.changes {
			c := &s.changes[i]
			if !c.field.subscribes() {
				continue
			}
			old, _ := c.old.(Links)
			now, _ := c.new.(Links)
			for _, l := range now {
				if !slices.ContainsFunc(old, func(o Link) bool { return o.Ref() == l.Ref() }) {
					list = append(list, Subscription{s.subject.catalog.Num, s.subject.record, l.Record, true})
				}
			}
		}
	}
	return list
}
