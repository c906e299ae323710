using Lepton.Compliance.Client.Law;

namespace Lepton.Compliance.Client;

/// <summary>A policy file as read and checked, before it is compiled.</summary>
internal sealed record PolicyDocument(
    long Version,
    IReadOnlyList<string> Regions,
    IReadOnlyList<DataClass> Classes,
    IReadOnlyDictionary<string, string> Tenants,
    IReadOnlyDictionary<string, string> Models,
    LawDocument? Law);
