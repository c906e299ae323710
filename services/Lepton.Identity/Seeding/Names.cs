namespace Lepton.Identity.Seeding;

/// <summary>What users, clients and tenants may be called.</summary>
internal static class Names
{
    public const string SubjectTakes = "1 to 63 of a-z, 0-9, '.', '_', '-' and '@', a letter or digit first";

    public const string TenantTakes = "1 to 63 of a-z, 0-9, '-' and '_'";

    public static bool IsSubject(string? name) => name is { Length: > 0 and <= 63 } && IsPlain(name[0])
        && name.All(c => IsPlain(c) || c is '.' or '_' or '-' or '@');

    public static bool IsTenant(string? name) =>
        name is { Length: > 0 and <= 63 } && name.All(c => IsPlain(c) || c is '_' or '-');

    private static bool IsPlain(char c) => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c);
}
