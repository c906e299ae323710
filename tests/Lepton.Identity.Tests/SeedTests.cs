using System.Net;
using System.Text.Json;
using Lepton.Identity.Seeding;
using Lepton.Identity.Tests.World;
using Microsoft.EntityFrameworkCore;
using Microsoft.IdentityModel.JsonWebTokens;

namespace Lepton.Identity.Tests;

/// <summary>C1: users and clients are those of the seed file; a wrong one stops the start and says where.</summary>
[Collection("postgres")]
public sealed class SeedTests(IdentityServer server)
{
    private const string Phc = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA";

    public static TheoryData<string, string> Wrong() => new()
    {
        { "$.users", """{"users":1}""" },
        { "admins", """{"admins":[]}""" },
        { "users[0]", """{"users":[null]}""" },
        { "users[0].name", """{"users":[{"name":"Ada Lovelace","tenant":"a","passwordHash":"x"}]}""" },
        { "users[0].name", """{"users":[{"tenant":"a","passwordHash":"x"}]}""" },
        { "users[0].tenant", $$"""{"users":[{"name":"ada","tenant":"A B","passwordHash":"{{Phc}}"}]}""" },
        { "users[0].tenant", $$"""{"users":[{"name":"ada","passwordHash":"{{Phc}}"}]}""" },
        { "passwordHash or passwordFile", """{"users":[{"name":"ada","tenant":"a"}]}""" },
        { "users[0].passwordHash", """{"users":[{"name":"ada","tenant":"a","passwordHash":"secret"}]}""" },
        { "users[0].passwordHash", $$"""
            {"users":[{"name":"ada","tenant":"a","passwordHash":"{{Phc.Replace("t=2", "t=99")}}"}]}
            """ },
        { "users[0].passwordFile", """{"users":[{"name":"ada","tenant":"a","passwordFile":"nowhere"}]}""" },
        { "users[0].passwordFile", """{"users":[{"name":"ada","tenant":"a","passwordFile":"short"}]}""" },
        { "ada is the name of two", $$"""
            {"users":[{"name":"ada","tenant":"a","passwordHash":"{{Phc}}"}],
             "clients":[{"id":"ada","method":"none"}]}
            """ },
        { "lepton-cli is the name of two", """{"clients":[{"id":"lepton-cli","method":"none"}]}""" },
        { "clients[0].id", """{"clients":[{"id":"","method":"none"}]}""" },
        { "clients[0].method", """{"clients":[{"id":"a","tenant":"a","method":"client_secret_basic"}]}""" },
        { "clients[0].tenant", """{"clients":[{"id":"a","tenant":"a","method":"none"}]}""" },
        { "clients[0].jwk", """{"clients":[{"id":"a","tenant":"a","method":"private_key_jwt"}]}""" },
        { "clients[0].jwk", """
            {"clients":[{"id":"a","tenant":"a","method":"private_key_jwt","jwk":{"kty":"RSA"}}]}
            """ },
        { "clients[0].jwk is no point", """
            {"clients":[{"id":"a","tenant":"a","method":"private_key_jwt","jwk":{"kty":"EC","crv":"P-256",
             "x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}]}
            """ },
        { "$.clients[0].jwk", """
            {"clients":[{"id":"a","tenant":"a","method":"private_key_jwt","jwk":{"kty":"EC","d":"AAAA"}}]}
            """ },
        { "clients[0].certificateUri", """{"clients":[{"id":"a","tenant":"a","method":"tls_client_auth"}]}""" },
        { "clients[0].certificateUri", """
            {"clients":[{"id":"a","tenant":"a","method":"tls_client_auth","certificateUri":"https://a.example"}]}
            """ },
        { "$", "{" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void Read_Wrong_NamesTheField(string field, string json)
    {
        var folder = Directory.CreateTempSubdirectory("lepton-seed-").FullName;
        try
        {
            var file = Path.Combine(folder, "seed.json");
            File.WriteAllText(file, json);
            File.WriteAllText(Path.Combine(folder, "short"), "1234567\n");
            var refused = Assert.Throws<InvalidDataException>(() => SeedFile.Read(file));
            Assert.StartsWith("Identity:SeedFile: ", refused.Message);
            Assert.Contains(field, refused.Message);
            Assert.DoesNotContain("secret", refused.Message);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Start_WrongSeedFile_IsStoppedAndTheDatabaseStaysAsItWas()
    {
        using var site = await TestSite.CreateAsync(server);
        await using var first = await TestAuthority.StartAsync(site);
        await File.WriteAllTextAsync(site.SeedFile, """{"users":[{"name":"ada"}]}""");
        var refused = await Assert.ThrowsAsync<InvalidDataException>(
            () => TestAuthority.StartAsync(site, isSecond: true));
        Assert.Contains("users[0].tenant takes", refused.Message);
        Assert.Equal(2, await first.InDatabaseAsync(d => d.Users.CountAsync()));
    }

    [Fact]
    public async Task Start_SameFileAgain_ChangesNothing()
    {
        using var site = await TestSite.CreateAsync(server);
        await File.WriteAllTextAsync(Path.Combine(site.Installation.Directory, "admin.password"), "made by set-up\n");
        object admin = new { name = "admin", tenant = "ops", passwordFile = "admin.password" };
        site.Seed(users: [admin, TestSite.User("ada", "acme")]);
        await using var first = await TestAuthority.StartAsync(site);
        var tokens = await new Person(first).LogInAsync();
        var before = await first.InDatabaseAsync(d => d.Users.OrderBy(u => u.Name).ToListAsync());

        await using var second = await TestAuthority.StartAsync(site, isSecond: true);

        Assert.Equal(JsonSerializer.Serialize(before), JsonSerializer.Serialize(
            await first.InDatabaseAsync(d => d.Users.OrderBy(u => u.Name).ToListAsync())));
        Assert.Equal(0, await first.InDatabaseAsync(d => d.Revocations.CountAsync()));
        (await new Person(second).RefreshAsync(tokens["refresh_token"])).IsOk();
        // And the password of the file is good.
        var person = new Person(first);
        (await person.SubmitAsync((await person.BeginAsync())["user_code"], "admin", "made by set-up")).IsOk();
    }

    [Fact]
    public async Task Start_ChangedFile_EndsSessionsAndTokensOfWhomItConcerns()
    {
        using var site = await TestSite.CreateAsync(server);
        await using var first = await TestAuthority.StartAsync(site);
        var (ada, grace) = (await new Person(first).LogInAsync(), await new Person(first).LogInAsync("grace"));
        var program = await first.ProgramTokenAsync();

        // ada moves to another tenant, batch goes; grace and other stay.
        site.Seed(users: [TestSite.User("ada", "globex"), TestSite.User("grace", "globex")],
            clients: [site.Other.Seed]);
        await using var second = await TestAuthority.StartAsync(site, isSecond: true);

        (await new Person(second).RefreshAsync(ada["refresh_token"]))
            .IsRefused(HttpStatusCode.BadRequest, "invalid_grant");
        (await new Person(second).RefreshAsync(grace["refresh_token"])).IsOk();
        (await second.PostAsync("/token", [("grant_type", "client_credentials"), .. site.Batch.Credentials(second)]))
            .IsRefused(HttpStatusCode.Unauthorized, "invalid_client");
        var service = second.Client(site.Installation.Service("eu-west", "routing"));
        var revoked = (await second.GetAsync("/revocations", service)).IsOk().Json.GetProperty("revocations")
            .EnumerateArray().ToDictionary(r => r.GetProperty("sub").GetString()!,
                r => r.GetProperty("before").GetInt64());
        Assert.Equal(["ada", "batch", "device-7"], revoked.Keys.Order());
        Assert.True(new JsonWebToken(program).GetPayloadValue<long>("iat") < revoked["batch"]);
        foreach (var (token, active) in new[]
        {
            (ada["access_token"], "False"), (program, "False"), (grace["access_token"], "True"),
        })
            Assert.Equal(active,
                (await TestAuthority.PostAsync(service, "/introspect", ("token", token))).IsOk()["active"]);
    }

    [Fact]
    public async Task Start_NoFile_KeepsWhatIsThere()
    {
        using var site = await TestSite.CreateAsync(server);
        await using (await TestAuthority.StartAsync(site))
        {
        }
        site.Options["Identity:SeedFile"] = "";
        await using var second = await TestAuthority.StartAsync(site);
        await new Person(second).LogInAsync();
        await second.ProgramTokenAsync();
    }
}
