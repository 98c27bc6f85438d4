package main

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"dingbridge/dingtalk"
)

// webhooksKey is the setting of Webhooks.
const webhooksKey = "dingtalk.webhooks"

// Webhooks are the robots of groups, by the names under which mappings know them. Whoever has a robot's address can write to its group: it is
// a secret, and prints as the name.
type Webhooks map[string]dingtalk.Webhook

// webhookName is how a robot can be called: the name becomes part of the names of environment variables.
var webhookName = regexp.MustCompile(`^[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?$`)

const webhookNameRule = "the name of a webhook has small letters, digits, - and _ only"

// UnmarshalText implements encoding.TextUnmarshaler: the names, with commas. What belongs to each is in settings of its own.
func (w *Webhooks) UnmarshalText(b []byte) error {
	hooks := Webhooks{}
	for _, name := range strings.Split(string(b), ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if !webhookName.MatchString(name) {
			return errors.New(webhookNameRule) // not quoted: an address may stand in its place
		}
		hooks[name] = dingtalk.Webhook{}
	}
	*w = hooks
	return nil
}

// webhookKeys are the settings of one webhook.
var webhookKeys = []string{"url", "url_file", "secret", "secret_file"}

// webhooks keeps the settings of the webhooks: names, and below each its keys.
func (l settingLines) webhooks(value *yaml.Node) error {
	value = resolved(value)
	var errs []error
	complain := func(at *yaml.Node, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s:%d: %s: %s", l.file, at.Line, webhooksKey, fmt.Sprintf(format, args...)))
	}
	if value.Kind != yaml.MappingNode {
		complain(value, "must be names with an address each, such as {sales: {url: https://oapi.dingtalk.com/robot/send?access_token=…}}")
		return errors.Join(errs...)
	}
	var names []string
	for i := 0; i+1 < len(value.Content); i += 2 {
		name, hook := value.Content[i], resolved(value.Content[i+1])
		key := webhooksKey + "." + name.Value
		switch {
		case !webhookName.MatchString(name.Value):
			complain(name, webhookNameRule)
			continue
		case l.line[key] > 0:
			complain(name, "%s stands on line %d already", name.Value, l.line[key])
			continue
		}
		l.line[key] = name.Line
		names = append(names, name.Value)
		if hook.Tag != "!!null" && hook.Kind != yaml.MappingNode {
			complain(hook, "%s must be keys with values: %s", name.Value, strings.Join(webhookKeys, ", "))
			continue
		}
		for j := 0; j+1 < len(hook.Content); j += 2 {
			part, text := hook.Content[j], resolved(hook.Content[j+1])
			switch {
			case !slices.Contains(webhookKeys, part.Value):
				complain(part, "%s has no setting of this name; there are %s", name.Value, strings.Join(webhookKeys, ", "))
			case text.Tag == "!!null":
			case text.Kind != yaml.ScalarNode:
				complain(text, "the %s of %s must be a text", part.Value, name.Value)
			default:
				l.line[key+"."+part.Value], l.text[key+"."+part.Value] = part.Line, text.Value
			}
		}
	}
	l.text[webhooksKey] = strings.Join(names, ",")
	return errors.Join(errs...)
}

// resolved is the node that an alias stands for.
func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// readWebhooks gives the named webhooks their addresses and secrets, from the environment or the file.
func (s *Settings) readWebhooks(lines settingLines, getenv func(string) string) error {
	var errs []error
	variables := map[string]string{}
	for _, name := range sortedKeys(s.DingTalk.Webhooks) {
		key := webhooksKey + "." + name
		if other := variables[envName(key)]; other != "" {
			errs = append(errs, fmt.Errorf("%s%s: the environment calls it as %s", lines.at(key), key, other))
			continue
		}
		variables[envName(key)] = name
		address, err := s.secret(key+".url", lines, getenv)
		secret, err2 := s.secret(key+".secret", lines, getenv)
		if err = errors.Join(err, err2); err != nil {
			errs = append(errs, err)
			continue
		}
		if address == "" {
			errs = append(errs, fmt.Errorf("%s%s lacks its address: %s.url, or %s, or %s", lines.at(key), key, key, envName(key+".url"), envName(key+".url_file")))
			continue
		}
		hook, err := dingtalk.NewWebhook(name, address, secret)
		if err != nil { // its words do not show the address
			at := cmp.Or(lines.at(key+".url"), lines.at(key+".url_file"), lines.at(key))
			errs = append(errs, fmt.Errorf("%s%s.url: not the address of a group's robot, https://oapi.dingtalk.com/robot/send?access_token=…", at, key))
			continue
		}
		s.DingTalk.Webhooks[name] = hook
	}
	return errors.Join(errs...)
}
