// Package deadline holds the shapes of the AWS Deadline Cloud API (version 2023-10-12): request and response structures, unions, enumerations and
// modelled errors, with the JSON codecs and the constraint checks that the API model states. Most of it is generated from package api.
//
// Names are the model's own words with a capital (FarmId, SessionActionId); CreateFarm's structures are [CreateFarmInput] and [CreateFarmOutput].
//
// # Presence
//
// Required scalars, times, structures and unions are values; optional ones are pointers ([Ptr] makes one). Lists and maps are absent when nil; required lists
// and maps are always written, even when empty. Enumerations are string types; an optional one is absent when empty. Documents ([Document]) are raw JSON.
// Unions are structures with one pointer (or list) per member, exactly one of which is set; a member that this version does not know keeps its
// name and raw value in UnknownMember and UnknownValue, so nothing that a newer service says is lost.
//
// # JSON
//
// Every structure implements json.Marshaler and json.Unmarshaler with the names of the wire. Names are case-sensitive; unknown members are ignored; null means
// absent. A structure whose members travel in the path, the query or a header writes them too when marshalled whole; EncodeBody and DecodeBody leave them out.
//
// # Secrets
//
// Sensitive members print as REDACTED through package fmt and log/slog. Marshalling to JSON and reading fields gives the real values.
//
// # What this package is not
//
// It does not talk HTTP (deadline/client, deadline/server) and knows no rule of the service beyond what the model states.
package deadline
