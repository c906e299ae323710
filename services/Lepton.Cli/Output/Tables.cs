using Spectre.Console;

namespace Lepton.Cli.Output;

/// <summary>The one look of the CLI's tables.</summary>
internal static class Tables
{
    /// <summary>A heading that starts with '>' is a column of numbers, set to the right.</summary>
    public static Table Create(params string[] headings)
    {
        Table table = new Table().Border(TableBorder.Simple);
        foreach (string heading in headings)
        {
            TableColumn column = new TableColumn(Markup.Escape(heading.TrimStart('>'))).NoWrap();
            table.AddColumn(heading.StartsWith('>') ? column.RightAligned() : column);
        }

        return table;
    }

    /// <summary>Cells are text, never markup: a name from elsewhere cannot colour or break the table.</summary>
    public static void Add(this Table table, params string[] cells) =>
        table.AddRow([.. cells.Select(c => new Text(c))]);
}
