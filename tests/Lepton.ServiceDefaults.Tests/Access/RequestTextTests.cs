using Lepton.Routing.V1;

namespace Lepton.ServiceDefaults.Tests.Access;

/// <summary>C4: how a call says what it is about.</summary>
public sealed class RequestTextTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("backups", "backups")]
    [InlineData("nodes/{node}", "nodes/a")]
    [InlineData("{node}", "a")]
    [InlineData("{node}/{node}!", "a/a!")]
    public void Of_Request_PutsFieldsIn(string template, string text) =>
        Assert.Equal(text, RequestText.Parse(template).Of(new DrainNodeRequest { Node = "a" }));

    [Fact]
    public void Of_NothingKnown_LeavesFieldsEmpty() =>
        Assert.Equal("nodes/", RequestText.Parse("nodes/{node}").Of(null));

    [Fact]
    public void Unknown_FieldThatIsNotThere_IsNamed()
    {
        Assert.Null(RequestText.Parse("nodes/{node}").Unknown(DrainNodeRequest.Descriptor));
        Assert.Equal("name", RequestText.Parse("nodes/{name}").Unknown(DrainNodeRequest.Descriptor));
        Assert.Equal("node.id", RequestText.Parse("{node.id}").Unknown(DrainNodeRequest.Descriptor));
        Assert.Throws<FormatException>(() => RequestText.Parse("nodes/{node"));
    }
}
