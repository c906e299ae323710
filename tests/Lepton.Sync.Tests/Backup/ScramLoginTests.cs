using Lepton.Sync.Backup;
using Lepton.Sync.Backup.Wire;

namespace Lepton.Sync.Tests.Backup;

/// <summary>SCRAM-SHA-256 against the exchange printed in RFC 7677, section 3.</summary>
public sealed class ScramLoginTests
{
    private const string ServerFirst =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    [Fact]
    public void Final_OfTheRfcsServerFirst_CarriesAProofOfItsForm()
    {
        ScramLogin login = new("pencil", "rOprNGfwEbeRWgbNEkqO");

        var final = login.Final(ServerFirst);

        // The RFC's client names a user, which PostgreSQL's does not: the proof differs, the rest does not.
        Assert.Equal("n,,n=,r=rOprNGfwEbeRWgbNEkqO", login.First);
        Assert.StartsWith("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=", final);
    }

    [Theory]
    [InlineData("r=another%nonce,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqO%x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqO%x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2000000000")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqO%x,s=!,i=4096")]
    [InlineData("")]
    public void Final_OfAnImpostor_IsRefused(string serverFirst) =>
        Assert.Throws<BackupException>(() => new ScramLogin("pencil", "rOprNGfwEbeRWgbNEkqO").Final(serverFirst));

    [Fact]
    public void Check_OfWhoKnowsNoPassword_IsRefused()
    {
        ScramLogin login = new("pencil", "rOprNGfwEbeRWgbNEkqO");
        login.Final(ServerFirst);

        Assert.Throws<BackupException>(() => login.Check("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
    }
}
