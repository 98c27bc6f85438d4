// Package odootest is an Odoo 12 server without Python and PostgreSQL: an in-memory stand-in that speaks XML-RPC over HTTP as the
// real one does. Tests run against it, and so do the demo and the sandbox.
//
// It is meant to be as honest as the recorded behaviour allows, the unpleasant parts included: HTTP/1.0 and closed connections,
// chunked bodies read as empty, control characters that break the XML, None that cannot be sent after the call was committed,
// write_date in microseconds but shown in seconds, unknown fields ignored silently, references emptied by a deletion without a
// trace, archived records hidden, fault texts as Odoo words them. Models have the fields of a stock database (package stock); rights,
// defaults, constraints and deletion rules come from orm.json. The tests replay the recorded requests of a real server and list
// those that are not covered.
//
// What a model's Python code adds is written out for res.users, res.groups, res.company, res.partner, res.partner.category,
// hr.employee, hr.department, hr.job, hr.attendance, hr.leave, resource.resource, ir.model, ir.model.fields, ir.model.data, ir.rule,
// ir.attachment, mail.message, mail.activity, mail.channel, note.note, calendar.event with its occurrences and attendees, and as far
// as documents need it for hr.expense, hr.expense.sheet, purchase.order, sale.order, account.invoice, account.move and their lines:
// amounts, balance, numbers, states, who may bring them about, the messages a new state leaves. Every other model is the plain ORM.
// Views, onchanges, mail delivery, tracked values, payments, deliveries and multi-company rules are not here. Fault texts are English,
// but for the few whose Chinese wording was recorded.
//
// Server is the process with its database. Its direct methods (Create, Write, As) act as a person in Odoo's own interface, without
// a remote call; Begin gives a transaction that commits late; Fail, Hold, Latency, Down, OnCall and Rule make things go wrong.
package odootest
