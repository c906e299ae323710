namespace Lepton.Cli.Login;

/// <summary>What a token endpoint says (RFC 6749, 5.1 and 5.2): granted or refused.</summary>
internal abstract record TokenAnswer
{
    public sealed record Granted(TokenSet Tokens) : TokenAnswer;

    /// <param name="Error">The RFC's code, such as <c>slow_down</c>.</param>
    /// <param name="Description">For a person; printable, without any secret that was sent. May be empty.</param>
    public sealed record Refused(string Error, string Description) : TokenAnswer
    {
        public string Text => Description.Length > 0 ? $"{Error}: {Description}" : Error;
    }
}

/// <summary>Tokens as they were granted.</summary>
internal sealed record TokenSet(string AccessToken, DateTimeOffset ExpireTime, string? RefreshToken)
{
    public override string ToString() => $"tokens until {ExpireTime:O}";
}

/// <summary>What a person has to do elsewhere, and how the device asks meanwhile (RFC 8628, 3.2).</summary>
/// <param name="Code">The device's own secret.</param>
/// <param name="UserCode">What the person types.</param>
/// <param name="Address">Where.</param>
/// <param name="CompleteAddress">The same with the code in it; null: the authority gave none.</param>
/// <param name="Lifetime">From now on.</param>
/// <param name="Interval">Between two questions.</param>
internal sealed record DeviceCode(
    string Code, string UserCode, Uri Address, Uri? CompleteAddress, TimeSpan Lifetime, TimeSpan Interval)
{
    public override string ToString() => $"user code {UserCode}";
}

/// <summary>The authority could not be reached, or does not work just now: trying again may help.</summary>
internal sealed class AuthorityAway(string issuer, string why)
    : CommandFailure(ExitCode.PlatformDown, $"The authority {issuer} does not answer: {why}")
{
    public string Why { get; } = why;
}
