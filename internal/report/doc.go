// Package report answers what dashboards ask: records in groups, measured,
// sorted and cut to what a chart shows, and totals over all of them. The groups
// come from catalog.Service, exact under the caller's rights.
package report
