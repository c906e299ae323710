using Lepton.Identity.Passwords;

namespace Lepton.Identity.Tests;

/// <summary>C1: Argon2id as others compute and write it.</summary>
public sealed class PasswordHashTests
{
    // The reference implementation's own test vector for Argon2id, version 19, m = 2^16, t = 2, p = 1.
    private const string Reference =
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

    [Fact]
    public void Matches_ReferenceVector_IsTheSame()
    {
        Assert.True(PasswordHash.TryParse(Reference, out var hash));
        Assert.True(hash.Matches("password"));
        Assert.False(hash.Matches("Password"));
        Assert.Equal(Reference, hash.ToString());
    }

    [Fact]
    public void Create_TwiceTheSame_HasTwoSalts()
    {
        var options = new PasswordOptions { MemoryKiB = 64, Iterations = 1 };
        var (first, second) = (PasswordHash.Create("pässwörd", options), PasswordHash.Create("pässwörd", options));
        Assert.NotEqual(first.ToString(), second.ToString());
        Assert.True(PasswordHash.TryParse(first.ToString(), out var read) && read.Matches("pässwörd"));
        Assert.False(PasswordHash.Nobodys(options).Matches("pässwörd"));
        Assert.False(first.IsWeakerThan(options));
        Assert.True(first.IsWeakerThan(new PasswordOptions()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("password")]
    [InlineData("$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW")]
    [InlineData("$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")]
    [InlineData("$argon2id$v=16$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")]
    [InlineData("$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")] // 4 GiB
    [InlineData("$argon2id$v=19$m=65536,t=17,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")]
    [InlineData("$argon2id$v=19$m=65536,t=2,p=0$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")]
    [InlineData("$argon2id$v=19$m=65536,t=2,p=1$c2Fs$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")] // 3 bytes of salt
    [InlineData("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXP")]
    [InlineData("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc\n")]
    public void TryParse_OtherText_IsRefused(string text) => Assert.False(PasswordHash.TryParse(text, out _));
}
