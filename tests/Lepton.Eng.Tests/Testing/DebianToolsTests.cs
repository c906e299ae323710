using Lepton.Setup.Testing;

namespace Lepton.Eng.Tests.Testing;

public sealed class DebianToolsTests
{
    [Fact]
    public void PackagesOf_ASimulatedInstallation_AreThoseThatItWouldAddOrRaise()
    {
        const string plan = """
            Reading package lists...
            The following NEW packages will be installed:
              chromium-common libogg0
            Inst libogg0 (1.3.5-3 Debian:12.15/oldstable [amd64])
            Inst libzstd1 [1.5.2] (1.5.4 Debian:12.15/oldstable [amd64]) []
            Conf libogg0 (1.3.5-3 Debian:12.15/oldstable [amd64])
            """;

        Assert.Equal(["libogg0", "libzstd1"], DebianTools.PackagesOf(plan));
    }
}
