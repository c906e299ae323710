using System.Collections.Frozen;
using Google.Protobuf.Reflection;
using Lepton.Platform.V1;

namespace Lepton.ServiceDefaults;

/// <summary>
/// Who may make each call of this process, by path. RPCs of Lepton's declare it in their proto (option access); for
/// contracts of others the service that offers them says it. What is named by neither is refused to everyone.
/// </summary>
public sealed class AccessRules
{
    private FrozenDictionary<string, AccessRule> _rules = FrozenDictionary<string, AccessRule>.Empty;

    /// <summary>The rule for a request path; null: there is none.</summary>
    public AccessRule? Find(string path) => _rules.GetValueOrDefault(path);

    /// <summary>The path of an RPC.</summary>
    public static string PathOf(MethodDescriptor method)
    {
        ArgumentNullException.ThrowIfNull(method);
        return $"/{method.Service.FullName}/{method.Name}";
    }

    internal void Add(IEnumerable<KeyValuePair<string, AccessRule>> more) =>
        _rules = _rules.Concat(more).ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Adds what the services' RPCs declare, and what is said for those of others.</summary>
    /// <exception cref="InvalidOperationException">An RPC has no rule, or a rule allows nobody.</exception>
    internal void Add(IEnumerable<ServiceDescriptor> services, IReadOnlyDictionary<string, AccessRule> others) =>
        Add(services.SelectMany(s => s.Methods).Select(method => KeyValuePair.Create(
            PathOf(method), Declared(method) ?? others.GetValueOrDefault(PathOf(method))
                ?? throw new InvalidOperationException(
                    $"{PathOf(method)} declares nobody who may call it: option (lepton.platform.v1.access)."))));

    private static AccessRule? Declared(MethodDescriptor method)
    {
        var access = method.GetOptions()?.GetExtension(AccessExtensions.Access);
        if (access is null)
            return null;
        if (access.Permission == Permission.Unspecified && !access.Anyone && access.Services.Count == 0)
            throw new InvalidOperationException($"{PathOf(method)} allows nobody.");
        var rule = AccessRule.Of(access);
        return (rule.Resource.Unknown(method.InputType) ?? rule.Subject.Unknown(method.InputType)) is { } field
            ? throw new InvalidOperationException(
                $"{PathOf(method)} is about {{{field}}}, which {method.InputType.FullName} does not have.")
            : rule;
    }
}
